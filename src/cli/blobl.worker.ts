// Runs `penstock blobl` with room for deeply nested maps: a worker's stack can be as large as it has to be.
import process from 'node:process'
import { workerData } from 'node:worker_threads'
import { runBlobl } from './blobl.ts'

process.exitCode = await runBlobl(workerData as readonly string[])

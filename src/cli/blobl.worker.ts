// A thread of `penstock blobl`.
import process from 'node:process'
import { workerData } from 'node:worker_threads'
import { plain, red } from './blobl-colors.ts'
import { compileJob, runJob } from './blobl-job.ts'
import type { ThreadData } from './blobl-threads.ts'

const { job, colored, memory } = workerData as ThreadData // set by the thread that starts this one
const { mapping } = compileJob(job)
process.exit(mapping === undefined ? 1 : runJob(job, mapping, colored ? red : plain, memory))

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import test from 'node:test'

const bin = join(import.meta.dirname, '../../bin')
const environment = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` }

function run(shell: string, script: string) {
  const { stdout, stderr, error } = spawnSync(shell, ['-c', script], { encoding: 'utf8', env: environment })
  if (error !== undefined) return undefined
  assert.equal(stderr, '')
  return stdout
}

/** A shell that is not installed is not our failure; `npm test` installs all three if it has permission. */
function withShell(shell: string, script: string, check: (output: string) => void) {
  test(`${shell} completes commands, flags and values`, context => {
    const output = run(shell, script)
    if (output === undefined) return context.skip(`${shell} is not installed`)
    check(output)
  })
}

withShell(
  'bash',
  `source <(penstock completion bash)
for line in 'penstock standa' 'penstock list --format te' 'penstock playground -kafkaPo'; do
  COMP_WORDS=($line); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _penstock; echo "\${COMPREPLY[@]}"
done`,
  output => assert.deepEqual(output.trim().split('\n'), ['standalone', 'text', '-kafkaPort']),
)

withShell(
  'fish',
  `penstock completion fish | source
for line in 'penstock standa' 'penstock list --format te' 'penstock playground -kafkaPo'; complete -C $line; end`,
  output =>
    assert.deepEqual(
      output
        .trim()
        .split('\n')
        .map(line => line.split('\t')[0]),
      ['standalone', 'text', '-kafkaPort'],
    ),
)

// Completion itself needs a terminal, so here the shell only reads the script.
withShell('zsh', 'compdef() { echo $2 }; source <(penstock completion zsh)', output =>
  assert.equal(output, 'penstock\n'),
)

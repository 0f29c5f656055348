import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { freePort } from '../servers/ports.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'

const sftp: Family = {
  summary: 'SFTP: OpenSSH, and ProFTPD for passwords',
  folders: ['src/components/sftp'],
  slow: true,
  debian: {
    '/usr/sbin/sshd': 'openssh-server',
    'ssh-keygen': 'openssh-client',
    '/usr/lib/proftpd/mod_sftp.so': 'proftpd-mod-crypto',
    ftpasswd: 'proftpd-core',
  },
  async start({ folder }) {
    const keys = join(folder, 'keys')
    mkdirSync(keys, { mode: 0o700 })
    makeKeys(keys)
    const openSsh = await startOpenSsh(keys, keys)
    const proFtpd = await startProFtpd(keys)
    return {
      environment: {
        PENSTOCK_TEST_SFTP: openSsh.address,
        PENSTOCK_TEST_SFTP_USER: userInfo().username,
        PENSTOCK_TEST_SFTP_KEYS: keys,
        PENSTOCK_TEST_SFTP_PASSWORDS: proFtpd.address,
      },
      async close() {
        await openSsh.server.stop()
        await proFtpd.server.stop()
      },
    }
  },
}

export default sftp

interface Running {
  readonly server: ServerProcess
  readonly address: string
}

/**
 * Creates the keys of a server, of users that it knows, one of them (`sealed`) with the passphrase `open sesame`, and
 * of a stranger.
 */
function makeKeys(folder: string): void {
  const file = (name: string) => join(folder, name)
  for (const name of ['host', 'plain', 'stranger']) makeKey(file(name))
  makeKey(file('sealed'), 'open sesame')
  const known = ['plain.pub', 'sealed.pub'].map(name => readFileSync(file(name), 'utf8'))
  writeFileSync(file('authorized_keys'), known.join(''), { mode: 0o600 })
}

/** A server that runs as the current user, with its settings in a folder, and keys from another one. */
export async function startOpenSsh(folder: string, keys: string): Promise<Running> {
  // The server requires this folder when it runs as root.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 })
  const port = await freePort()
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(keys, 'host')}`,
    `AuthorizedKeysFile ${join(keys, 'authorized_keys')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
  ]
  writeFileSync(join(folder, 'sshd_config'), `${settings.join('\n')}\n`)
  const args = ['-D', '-e', '-f', join(folder, 'sshd_config')]
  const server = await ServerProcess.start({ program: '/usr/sbin/sshd', args, ports: [port] })
  return { server, address: `127.0.0.1:${port}` }
}

/** A server with the user `reader` and the password `open sesame`, which needs no system user. */
async function startProFtpd(keys: string): Promise<Running> {
  const file = (name: string) => join(keys, name)
  const { username, uid, gid } = userInfo()
  const group = spawnSync('id', ['-gn'], { encoding: 'utf8' }).stdout.trim()
  const account = [
    '--name=reader',
    `--uid=${uid || 1000}`,
    `--gid=${gid || 1000}`,
    `--home=${tmpdir()}`,
    '--shell=/bin/false',
    '--stdin',
  ]
  spawnSync('ftpasswd', ['--passwd', `--file=${file('passwd')}`, ...account], { input: 'open sesame\n' })
  const port = await freePort()
  const settings = [
    'ServerType standalone',
    `Port ${port}`,
    'DefaultAddress 127.0.0.1',
    'SocketBindTight on',
    'UseReverseDNS off',
    'UseIPv6 off',
    `User ${username}`,
    `Group ${group}`,
    'ModulePath /usr/lib/proftpd',
    'LoadModule mod_sftp.c',
    'AuthOrder mod_auth_file.c',
    `AuthUserFile ${file('passwd')}`,
    'RequireValidShell off',
    'WtmpLog off',
    'TransferLog none',
    `PidFile ${file('proftpd.pid')}`,
    `ScoreboardFile ${file('scoreboard')}`,
    `SystemLog ${file('proftpd.log')}`,
    'SFTPEngine on',
    `SFTPHostKey ${file('host')}`,
    'SFTPAuthMethods password',
    `SFTPLog ${file('sftp.log')}`,
  ]
  writeFileSync(file('proftpd.conf'), `${settings.join('\n')}\n`)
  const args = ['--nodaemon', '--config', file('proftpd.conf')]
  const server = await ServerProcess.start({ program: '/usr/sbin/proftpd', args, ports: [port] })
  return { server, address: `127.0.0.1:${port}` }
}

function makeKey(path: string, passphrase = ''): void {
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', path])
}

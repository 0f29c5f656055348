import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { freePort } from '../servers/ports.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'

const sftp: Family = {
  summary: 'SFTP: OpenSSH, and ProFTPD for passwords',
  folders: ['src/components/sftp'],
  debian: {
    '/usr/sbin/sshd': 'openssh-server',
    'ssh-keygen': 'openssh-client',
    '/usr/lib/proftpd/mod_sftp.so': 'proftpd-mod-crypto',
    ftpasswd: 'proftpd-core',
  },
  async start({ folder }) {
    const keys = join(folder, 'keys')
    mkdirSync(keys, { mode: 0o700 })
    const openSsh = await startOpenSsh(keys)
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

/** A server for the user that runs the tests, who signs in by one of two keys; that of `sealed` has the passphrase `open sesame`. */
async function startOpenSsh(keys: string): Promise<Running> {
  const file = (name: string) => join(keys, name)
  makeKey(file('host'))
  makeKey(file('plain'))
  makeKey(file('sealed'), 'open sesame')
  makeKey(file('stranger'))
  const known = ['plain.pub', 'sealed.pub'].map(name => spawnSync('cat', [file(name)], { encoding: 'utf8' }).stdout)
  writeFileSync(file('authorized_keys'), known.join(''), { mode: 0o600 })
  // The server wants this folder where it runs as root.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 })
  const port = await freePort()
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('authorized_keys')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
  ]
  writeFileSync(file('sshd_config'), `${settings.join('\n')}\n`)
  const args = ['-D', '-e', '-f', file('sshd_config')]
  const server = await ServerProcess.start({ program: '/usr/sbin/sshd', args, ports: [port] })
  return { server, address: `127.0.0.1:${port}` }
}

/** A server with the user `reader` and the password `open sesame`, for which no user of the machine is needed. */
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

import { codeOf } from '../base/index.ts'
/** An address that cannot be listened on; the message names the flag that changes it. */
export class ListenError extends Error {}

/** Listens at the address of the flags; on failure, names the flag that is the cause. */
export async function listen<Result>(
  portFlag: string,
  host: string,
  port: number,
  start: (port: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await start(port)
  } catch (cause) {
    const problem = problemOf(codeOf(cause), host, port)
    if (problem === undefined) throw cause
    const hint =
      problem.flag === 'port'
        ? `choose another one with -${portFlag} (0 takes a free one)`
        : 'choose another one with -bindAddress (127.0.0.1 for this machine alone, 0.0.0.0 for all of its addresses)'
    throw new ListenError(`${problem.text}: ${hint}`, { cause })
  }
}

function problemOf(
  code: string | undefined,
  host: string,
  port: number,
): { readonly flag: 'port' | 'bindAddress'; readonly text: string } | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return { flag: 'port', text: `port ${port} is taken` }
    case 'EACCES': {
      const why = port > 0 && port < 1024 ? ', as those below 1024 belong to the system' : ''
      return { flag: 'port', text: `port ${port} is not allowed for this user${why}` }
    }
    case 'EADDRNOTAVAIL':
      return { flag: 'bindAddress', text: `${host} is not an address of this machine` }
    case 'EAFNOSUPPORT':
      return { flag: 'bindAddress', text: `this machine has no addresses of the kind of ${host}` }
    case 'EINVAL': // An IPv6 address that is only valid with its zone, as in fe80::1%eth0.
      return { flag: 'bindAddress', text: `nothing can listen on ${host}` }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { flag: 'bindAddress', text: `the address ${JSON.stringify(host)} is not found` }
    default:
      return undefined
  }
}

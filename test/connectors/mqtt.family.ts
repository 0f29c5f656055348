import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority } from '../servers/certificates.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

const mqtt: Family = {
  summary: 'MQTT: mosquitto',
  folders: ['src/components/mqtt'],
  debian: { mosquitto: 'mosquitto' },
  async start({ folder }) {
    const [port, tlsPort] = await freePorts(2)
    const authority = await makeAuthority()
    const { cert, key } = await authority.issue('localhost')
    const file = (name: string, text: string) => {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    }
    const settings = join(folder, 'mosquitto.conf')
    const lines = [
      // Started by root, it would otherwise switch to a user who cannot read the certificate. Others ignore this line.
      'user root',
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      'max_queued_messages 10000',
      `listener ${tlsPort} 127.0.0.1`,
      `certfile ${file('cert.pem', cert)}`,
      `keyfile ${file('key.pem', key)}`,
    ]
    writeFileSync(settings, lines.join('\n'))
    const server = await ServerProcess.start({
      program: '/usr/sbin/mosquitto',
      args: ['-c', settings],
      ports: [port, tlsPort],
    })
    return {
      environment: {
        PENSTOCK_TEST_MQTT: `tcp://127.0.0.1:${port}`,
        PENSTOCK_TEST_MQTT_TLS: String(tlsPort),
        PENSTOCK_TEST_MQTT_CA: file('ca.pem', authority.ca),
      },
      close: () => server.stop(),
    }
  },
}

export default mqtt

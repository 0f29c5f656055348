import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePort } from '../servers/ports.ts'

const mqtt: Family = {
  summary: 'MQTT: mosquitto',
  folders: ['src/components/mqtt'],
  debian: { mosquitto: 'mosquitto' },
  async start({ folder }) {
    const port = await freePort()
    const settings = join(folder, 'mosquitto.conf')
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      'max_queued_messages 10000',
    ]
    writeFileSync(settings, lines.join('\n'))
    const server = await ServerProcess.start({ program: '/usr/sbin/mosquitto', args: ['-c', settings], ports: [port] })
    return { environment: { PENSTOCK_TEST_MQTT: `tcp://127.0.0.1:${port}` }, close: () => server.stop() }
  },
}

export default mqtt

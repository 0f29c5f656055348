import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** The control plane that the dev server talks to: start one with `bin/penstock playground -consolePort 9080`. */
const controlPlane = process.env['PENSTOCK_CONSOLE_API'] ?? 'http://127.0.0.1:9080'

export default defineConfig({
  plugins: [react(), tailwindcss(), compress()],
  server: {
    port: 5180,
    proxy: { '/api': { target: controlPlane, changeOrigin: false } },
  },
  build: {
    target: 'es2023',
    // The editor's chunk is loaded with its route only; the limit warns when something else pulls it in.
    chunkSizeWarningLimit: 700,
  },
})

/** Puts a compressed copy beside each script and style sheet, so that the server sends a third of the bytes for nothing. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    writeBundle: ({ dir = '' }) => {
      for (const file of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        const path = join(dir, file)
        if (/\.(js|css|svg)$/.test(file)) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
      }
    },
  }
}

import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The control plane that the dev server talks to: start one with `bin/penstock playground -consolePort 9080`. */
const controlPlane = process.env.PENSTOCK_CONSOLE_API ?? 'http://127.0.0.1:9080'

export default defineConfig({
  plugins: [react(), tailwindcss()],
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

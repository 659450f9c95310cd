import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

// the service refuses changes whose Origin is not the Host that it is asked for
const service = { target: process.env.TRADEFREE_API_URL ?? 'http://127.0.0.1:8000', changeOrigin: false }

const meta = "document.querySelector('meta[property=csp-nonce]')?.nonce"

/** What of Ant Design a strict policy (and axe) would stop: a file, what stands there, what is to stand there. */
const PATCHES: [file: string, from: RegExp, to: string][] = [
  // style sheets of scroll bars and locked pages come without the nonce
  [
    '@rc-component/util/es/Dom/dynamicCSS.js',
    /if \(csp\?\.nonce\) \{\s*styleNode\.nonce = csp\?\.nonce;/,
    `{styleNode.nonce = ${meta} ?? '';`,
  ],
  // text areas that grow measure with an inline style, and in a place that the Tab key reaches
  [
    '@rc-component/input/es/calculateNodeHeight.js',
    /hiddenTextarea\.setAttribute\('style', /g,
    'hiddenTextarea.style.cssText = (',
  ],
  ['@rc-component/input/es/calculateNodeHeight.js', /'tab-index'/, "'tabindex'"],
]

const patches: Plugin = {
  name: 'patches',
  transform(code, id) {
    const meant = PATCHES.filter(([file]) => id.endsWith(file))
    let changed = code
    for (const [file, from, to] of meant) {
      if (changed.search(from) < 0) throw new Error(`${file} has changed: is the patch in vite.config.ts still needed?`)
      changed = changed.replace(from, to)
    }
    return meant.length ? { code: changed, map: null } : undefined
  },
}

export default defineConfig({
  plugins: [react(), patches],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  html: { cspNonce: '__CSP_NONCE__' }, // replaced by the service in every answer
  build: {
    outDir: '../src/tradefree/service/console',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    manifest: 'assets/manifest.json',
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': service, '/openapi.json': service } },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
})

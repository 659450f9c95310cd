import '@/app/app.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Console } from '@/app/Console'

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <Console />
    </StrictMode>,
  )

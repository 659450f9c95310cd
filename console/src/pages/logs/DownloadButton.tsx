import { DownloadOutlined } from '@ant-design/icons'
import { useMutation } from '@tanstack/react-query'
import { Alert, Button, Flex, Modal } from 'antd'
import { useRef, useState } from 'react'
import { errorOf, unreachable } from '@/api/problem'
import type { Level } from '@/parts/LogList'
import { useNumbers } from '@/parts/numbers'
import { ProblemView } from '@/parts/ProblemView'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { filterOf } from './query'
import { logWords } from './words'

/** Downloads every line that matches, however many: the browser keeps them on its disk. */
export function DownloadButton({ level }: { level: Level }) {
  const say = useWords(logWords)
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button icon={<DownloadOutlined />} onClick={() => setOpen(true)}>
        {say('download')}
      </Button>
      {open && <Download level={level} close={() => setOpen(false)} />}
    </>
  )
}

function Download({ level, close }: { level: Level; close: () => void }) {
  const say = useWords(logWords)
  const numbers = useNumbers()
  const url = useUrlState()
  const [bytes, setBytes] = useState(0)
  const stopped = useRef(new AbortController())
  const filter = filterOf(url, level)
  const save = useMutation({
    mutationFn: () => fetchLines(filter, stopped.current.signal, setBytes),
    onSuccess: (blob) => keep(blob),
  })
  const leave = () => {
    stopped.current.abort()
    close()
  }
  const size = numbers.bytes(bytes)
  return (
    <Modal
      open
      title={say('downloadTitle')}
      okText={say('download')}
      cancelText={say(save.isPending ? 'stop' : 'close')}
      confirmLoading={save.isPending}
      onOk={() => save.mutate()}
      onCancel={leave}
    >
      <Flex vertical gap={12}>
        <p>{say('downloadWhat')}</p>
        {!filter.from && !filter.to && <Alert type="warning" showIcon title={say('downloadAll')} />}
        {save.isPending && <p role="status">{say('downloading', { size })}</p>}
        {save.isSuccess && <Alert type="success" showIcon title={say('downloaded', { size })} />}
        {save.isError && <ProblemView error={save.error} />}
      </Flex>
    </Modal>
  )
}

async function fetchLines(
  filter: ReturnType<typeof filterOf>,
  signal: AbortSignal,
  tell: (bytes: number) => void,
): Promise<Blob> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) {
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value]) query.append(name, one)
  }
  const headers = { Accept: 'application/x-ndjson' }
  const response = await fetch(`/api/v1/logs?${query}`, { headers, signal }).catch(() => {
    throw unreachable()
  })
  if (!response.ok || !response.body) throw errorOf(await response.json().catch(() => null), response)
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      bytes += chunk.length
      tell(bytes)
      out.enqueue(chunk)
    },
  })
  return new Response(response.body.pipeThrough(counter)).blob()
}

function keep(blob: Blob): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = 'tradefree-logs.ndjson'
  link.click()
  URL.revokeObjectURL(address)
}

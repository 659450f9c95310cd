import { Skeleton } from 'antd'
import { lazy, Suspense, type ComponentProps } from 'react'

const EChart = lazy(() => import('./EChart'))

/** A chart; its library is loaded when the first one is shown. `label` says in words what is to be seen. */
export function Chart(props: ComponentProps<typeof EChart>) {
  return (
    <Suspense fallback={<Skeleton.Node active className="chart-waiting" />}>
      <EChart {...props} />
    </Suspense>
  )
}

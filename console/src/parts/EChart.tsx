import { BarChart, LineChart, type BarSeriesOption, type LineSeriesOption } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import type { GridComponentOption, LegendComponentOption, TooltipComponentOption } from 'echarts/components'
import { init, use as register, type ComposeOption, type ECharts } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useEffectEvent, useRef } from 'react'
import { useDark } from '@/app/preferences'

register([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

export type Option = ComposeOption<
  BarSeriesOption | LineSeriesOption | GridComponentOption | LegendComponentOption | TooltipComponentOption
>

/** One row of numbers over time. */
export interface Series {
  readonly name: string
  readonly kind: 'bar' | 'line'
  /** The name of a CSS variable. */
  readonly color: string
  /** Bars with the same stack stand on one another. */
  readonly stack?: string
  readonly values: readonly (number | null)[]
}

interface Props {
  /** What is to be seen, in words. */
  label: string
  times: readonly string[]
  series: readonly Series[]
  format: (value: number) => string
  timeFormat: (at: string) => string
  /** A click at a moment, on a series. */
  onPick?: (index: number, series: string) => void
  height?: number
}

export default function EChart({ label, times, series, format, timeFormat, onPick, height = 220 }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts | null>(null)
  const dark = useDark()
  const pick = useEffectEvent((index: number, name: string) => onPick?.(index, name))
  useEffect(() => {
    if (box.current === null) return
    const made = init(box.current)
    chart.current = made
    const sizes = new ResizeObserver(() => made.resize())
    sizes.observe(box.current)
    made.on('click', ({ dataIndex, seriesName }) => pick(dataIndex, seriesName ?? ''))
    return () => {
      sizes.disconnect()
      made.dispose()
    }
  }, [])
  useEffect(() => {
    chart.current?.setOption(optionOf({ times, series, format, timeFormat }), { notMerge: true })
  }, [times, series, format, timeFormat, dark])
  return (
    <div
      ref={box}
      role="img"
      aria-label={label}
      style={{ height }}
      className={onPick ? 'chart chart-picks' : 'chart'}
    />
  )
}

function optionOf({
  times,
  series,
  format,
  timeFormat,
}: Pick<Props, 'times' | 'series' | 'format' | 'timeFormat'>): Option {
  const style = getComputedStyle(document.body)
  const css = (name: string) => style.getPropertyValue(name).trim()
  const [quiet, line, text] = [
    css('--ant-color-text-tertiary'),
    css('--ant-color-border-secondary'),
    css('--ant-color-text'),
  ]
  const font = { fontFamily: css('--ant-font-family'), fontSize: 12 }
  return {
    animation: false,
    textStyle: font,
    grid: { left: 4, right: 8, top: 34, bottom: 2, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, icon: 'roundRect', textStyle: { color: quiet } },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText', // markup would need inline styles, which the policy forbids
      backgroundColor: css('--ant-color-bg-elevated'),
      borderColor: line,
      textStyle: { ...font, color: text },
      axisPointer: { type: 'line', lineStyle: { color: quiet } },
      valueFormatter: (value) => (typeof value === 'number' ? format(value) : '–'),
    },
    xAxis: {
      type: 'category',
      data: times.map(timeFormat),
      axisLabel: { color: quiet, hideOverlap: true },
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
    },
    yAxis: {
      type: 'value',
      axisLabel: { color: quiet, formatter: format },
      splitLine: { lineStyle: { color: line } },
      splitNumber: 4,
    },
    series: series.map(({ name, kind, color, stack, values }) => ({
      name,
      type: kind,
      stack,
      data: [...values],
      color: css(color),
      barMaxWidth: 18,
      showSymbol: values.includes(null), // a point between gaps has no line
      symbol: 'circle',
      symbolSize: 4,
      lineStyle: { width: 2 },
    })),
  }
}

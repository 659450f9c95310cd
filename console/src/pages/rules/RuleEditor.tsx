import { Button, Flex, Form } from 'antd'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { RightButton } from '@/parts/RightButton'
import { Section } from '@/parts/PageFrame'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { draftOf, EMPTY, ruleOf, type Draft, type Trigger } from './draft'
import { RuleFields } from './RuleFields'
import { definitionOf, type Kept } from './rules'
import { SaveRule } from './SaveRule'
import { TryOut } from './TryOut'
import { ruleWords } from './words'

/** The definition as a form, beside what the draft would have done. What is typed stays until it is saved or discarded. */
export function RuleEditor({ kept }: { kept: Kept | null }) {
  const say = useWords(ruleWords)
  const navigate = useNavigate()
  const url = useUrlState()
  const [form] = Form.useForm<Draft>()
  const [dirty, setDirty] = useState(false)
  const [saving, setSaving] = useState<Trigger | null>(null)
  const [error, setError] = useState<unknown>(null)
  const stored = kept ? draftOf(definitionOf(kept)) : { ...EMPTY, event: url.one('event') ?? '' }

  /** The draft, if every field can be read; the form says which cannot. */
  const read = async (): Promise<Trigger | null> => {
    try {
      return ruleOf(await form.validateFields(), kept?.enabled ?? true)
    } catch {
      return null
    }
  }
  const finish = (saved: Kept) => {
    setSaving(null)
    setError(null)
    setDirty(false)
    form.setFieldsValue(draftOf(definitionOf(saved)))
    if (kept === null) void navigate(`/rules/${saved.name}`, { replace: true })
  }
  const discard = () => {
    form.setFieldsValue(stored)
    setDirty(false)
    setError(null)
  }
  return (
    <div className="rule-columns">
      <Section
        title={say('tabRule')}
        extra={
          <Flex gap={8} align="center">
            {dirty && <span className="quiet small">{say('unsaved')}</span>}
            {dirty && kept && (
              <Button size="small" type="text" onClick={discard}>
                {say('discard')}
              </Button>
            )}
          </Flex>
        }
      >
        <Form
          form={form}
          layout="vertical"
          initialValues={stored}
          onValuesChange={() => setDirty(true)}
          onFinish={() => void read().then(setSaving)}
        >
          <RuleFields isNew={kept === null} error={error} />
          <RightButton right="definitions:write" type="primary" htmlType="submit" disabled={kept !== null && !dirty}>
            {say('save')}
          </RightButton>
        </Form>
      </Section>
      <TryOut read={read} onError={setError} />
      {saving && (
        <SaveRule kept={kept} rule={saving} onError={setError} onSaved={finish} onClose={() => setSaving(null)} />
      )}
    </div>
  )
}

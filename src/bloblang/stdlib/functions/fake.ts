import { fakeValue } from '../../text/fake.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'fake',
  categories: ['Fake Data Generation'],
  status: 'beta',
  description:
    'Generates a fake value: `latitude`, `longitude`, `unix_time`, `date`, `time_string`, `month_name`, `year_string`, `day_of_week`, `day_of_month`, `timestamp`, `century`, `timezone`, `time_period`, `email`, `mac_address`, `domain_name`, `url`, `username`, `ipv4`, `ipv6`, `password`, `jwt`, `word`, `sentence`, `paragraph`, `cc_type`, `cc_number`, `currency`, `amount_with_currency`, `title_male`, `title_female`, `first_name`, `first_name_male`, `first_name_female`, `last_name`, `name`, `gender`, `chinese_first_name`, `chinese_last_name`, `chinese_name`, `phone_number`, `toll_free_phone_number`, `e164_phone_number`, `uuid_hyphenated` or `uuid_digit`.',
  params: [
    {
      name: 'function',
      type: 'string',
      description: 'The kind of value; if empty, a word of random letters.',
      default: '',
    },
  ],
  examples: [
    ['root.ok = fake("ipv4").re_match("^[0-9]{1,3}([.][0-9]{1,3}){3}$")', '{}', '{"ok":true}'],
    ['root.ok = fake("nothing")', '{}', { error: 'failed assignment (line 1): invalid faker function: nothing' }],
  ],
  bareErrors: true,
  create:
    ([kind], host) =>
    () =>
      fakeValue(kind, host),
})

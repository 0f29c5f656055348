import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldsOf, kindOf, type Schema, schemasAt, valuesOf } from './schema.ts'

const schema: Schema = {
  properties: { output: { $ref: '#/definitions/output' } },
  definitions: {
    output: {
      allOf: [
        { properties: { label: { type: 'string' } } },
        {
          anyOf: [
            {
              properties: {
                broker: { properties: { outputs: { type: 'array', items: { $ref: '#/definitions/output' } } } },
              },
            },
          ],
        },
      ],
      properties: {
        kafka: {
          description: 'To Kafka.',
          type: 'object',
          properties: {
            compression: { enum: ['lz4', 'none'] },
            headers: { type: 'object', additionalProperties: { type: 'boolean' } },
          },
        },
      },
    },
  },
} as Schema // the editor's own type does not declare definitions

test('follows references and alternatives to every field', () => {
  const fields = fieldsOf(schema, schemasAt(schema, ['output']))
  assert.deepEqual([...fields.keys()].toSorted(), ['broker', 'kafka', 'label'])
})

test('finds a component nested in another of the same kind', () => {
  const here = schemasAt(schema, ['output', 'broker', 'outputs', 3, 'kafka'])
  assert.deepEqual(valuesOf(schemasAt(schema, ['output', 'broker', 'outputs', 3, 'kafka', 'compression'])), [
    'lz4',
    'none',
  ])
  assert.equal(kindOf(schema, here[0] ?? {}), 'object')
})

test('a map has the same schema for every key', () => {
  assert.deepEqual(valuesOf(schemasAt(schema, ['output', 'kafka', 'headers', 'any'])), ['true', 'false'])
})

test('a path outside the schema has no fields', () => {
  assert.deepEqual(schemasAt(schema, ['nowhere', 1, 'x']), [])
})

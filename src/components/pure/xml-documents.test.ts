import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processed } from '../processor.suite.ts'
import { scanned, scannerContract } from '../scanner.suite.ts'
import { splitXml, XmlSplitter } from './xml-documents.ts'

const xml = 'xml_documents: { operator: to_json }'

scannerContract('xml_documents', {
  config: xml,
  bytes: Buffer.from('<a>1</a>\n<b><c>é</c></b>'),
  bodies: ['{"a":"1"}', '{"b":{"c":"é"}}'],
  broken: { bytes: Buffer.from('<a>1</a><b>text'), bodies: ['{"a":"1"}'], error: /XML/ },
})

test('reads concatenated documents from chunks of any size', async () => {
  const source =
    '<a>\n\t<b>é0</b> </a>invalid\n<?xml version="1.0"?><!DOCTYPE x><a c=">"/><!-- <x> --><a><![CDATA[</a>]]><d/></a>\n'
  const texts = ['{"a":{"b":"é0"}}', '{"a":{"-c":">"}}', '{"a":{"#text":"</a>","d":""}}']
  for (const size of [1, 2, 3, 5, 8, 13, 1000]) {
    assert.deepEqual(await scanned(xml, Buffer.from(source), size), { texts, error: null }, String(size))
  }
  const cast = await scanned('xml_documents: { operator: to_json, cast: true }', Buffer.from('<a>5</a>'), 100)
  assert.deepEqual(cast, { texts: ['{"a":5}'], error: null })
})

test('a malformed document ends the source after those before it are delivered', async () => {
  const { texts, error } = await scanned(xml, Buffer.from('<a>1</a><b>text'), 4)
  assert.deepEqual(texts, ['{"a":"1"}'])
  assert.match(error!, /XML/)
  assert.match((await scanned(xml, Buffer.from('<a>1</a><b>'), 4)).error!, /XML/)
})

test('an operator is needed', async () => {
  await assert.rejects(scanned('xml_documents: {}', Buffer.from(''), 1), /operator not recognised/)
})

test('the size of an unterminated document is bounded', () => {
  const splitter = new XmlSplitter(100)
  assert.throws(() => {
    for (let i = 0; i < 100; i++) splitter.pushText('<a>text')
  }, /an XML document has more than 100 characters/)
})

test('unarchiving keeps an unterminated document', async () => {
  assert.deepEqual(splitXml('<a/><b'), ['<a/>', '<b'])
  assert.deepEqual(splitXml('none'), ['none'])
  const outcomes = await processed('unarchive: { format: xml_documents_to_json }', ['<a>1</a><a>2</a>'])
  assert.deepEqual(
    outcomes.map(({ text }) => text),
    ['{"a":"1"}', '{"a":"2"}'],
  )
})

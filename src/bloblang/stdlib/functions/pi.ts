import { Float } from '../../value.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'pi',
  categories: ['General'],
  status: 'stable',
  description: 'Returns the constant π as a 64-bit float.',
  params: [],
  examples: [['root.radians = this.degrees * (pi() / 180)', '{"degrees":45}', '{"radians":0.7853981633974483}']],
  create() {
    const pi = new Float(Math.PI)
    return () => pi
  },
})

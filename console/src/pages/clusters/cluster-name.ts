/** The server's rule for names of clusters, which it keeps with `vcn_` in front. */
export function clusterNameProblem(name: string): string | undefined {
  return /^\w{3,128}$/.test(name.replace(/^vcn_/, '')) ? undefined : '3 to 128 letters, digits and underscores.'
}

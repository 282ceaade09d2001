/** The servers of a crowd, which relay and servers have to agree on. */

/** The n-th. */
export function toCrowdServer(n: number): { readonly name: string; readonly key: string } {
  return { name: `idle${n}`, key: `IdleServerNumber${n}VintageHarmonicaDrizzleSpatulaMorning` };
}

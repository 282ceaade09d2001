/** Where a listener listens, and how people are told. */

/** Port 0 asks for a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The address as a URL. */
export function toListenUrl(
  { host, port }: ListenAddress,
  scheme: "http" | "https" = "http",
): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}

/** Why a port cannot be opened, as people understand it. */
export function toListenMessage(url: string, error: Error & { code?: string }): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program uses this port",
    EADDRNOTAVAIL: "this computer does not have that address",
    EACCES: "this port needs more rights",
  };
  return `Cannot listen on ${url}: ${reasons[error.code ?? ""] ?? error.message}`;
}

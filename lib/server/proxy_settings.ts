/**
 * Which HTTP proxy stands between this server and its relay: the usual environment variables, read
 * as curl reads them, with two differences. HTTP_PROXY counts in upper case too (this is no CGI
 * program), and loopback relays are never proxied: a proxy's loopback is another computer's.
 */

import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { type AddressSet, createAddressSet, parseCidr } from "../base/cidr.ts";
import { ConfigError } from "../base/errors.ts";
import { isLoopbackHost } from "../http/host.ts";

/** One variable; its value may hold a password. */
interface ProxyVariable {
  readonly name: string;
  readonly value: string;
}

/** What the environment says; made by {@linkcode readProxySettings}. */
export interface ProxySettings {
  readonly http: ProxyVariable | undefined;
  readonly https: ProxyVariable | undefined;
  readonly exceptions: ProxyExceptions;
}

/** The relays that NO_PROXY names. */
interface ProxyExceptions {
  readonly isEverything: boolean;
  readonly addresses: AddressSet;
  readonly names: readonly ExceptedName[];
}

/** A host with all below it, or an address with a port. */
interface ExceptedName {
  readonly host: string;
  /** Any port where undefined. */
  readonly port: string | undefined;
}

/** A proxy to go through. */
export interface Proxy {
  /** Name or address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** `host:port`, for messages. */
  readonly address: string;
  /** The value of Proxy-Authorization: a secret. */
  readonly authorization: string | undefined;
}

/**
 * Reads http_proxy, https_proxy, all_proxy and no_proxy. Lower case wins over upper case; an empty
 * value counts as none. Proxies are only looked at when one is needed: {@linkcode proxyFor}.
 */
export function readProxySettings(getEnv: (name: string) => string | undefined): ProxySettings {
  const read = (name: string): ProxyVariable | undefined => {
    for (const spelling of [name, name.toUpperCase()]) {
      const value = getEnv(spelling)?.trim() ?? "";
      if (value !== "") return { name: spelling, value };
    }
    return undefined;
  };
  const all = read("all_proxy");
  return {
    http: read("http_proxy") ?? all,
    https: read("https_proxy") ?? all,
    exceptions: parseExceptions(read("no_proxy")?.value ?? ""),
  };
}

/**
 * The proxy for a URL, or undefined where it is reached directly.
 *
 * @throws {ConfigError} where the variable that counts is no `http://` URL; it never quotes it.
 */
export function proxyFor(url: URL, settings: ProxySettings): Proxy | undefined {
  const variable = url.protocol === "https:" ? settings.https : settings.http;
  if (variable === undefined || isExcepted(url, settings.exceptions)) return undefined;
  return parseProxy(variable);
}

function parseProxy({ name, value }: ProxyVariable): Proxy {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  const url = URL.parse(hasScheme ? value : `http://${value}`);
  if (url === null || url.hostname === "") throw proxyError(name, "it is no URL");
  if (url.protocol !== "http:") {
    throw proxyError(name, `proxies of the kind ${url.protocol}// are not supported`);
  }
  const hostname = bareHost(url);
  const port = url.port === "" ? 80 : Number(url.port);
  return {
    hostname,
    port,
    address: `${url.hostname}:${port}`,
    authorization: url.username === "" && url.password === "" ? undefined : toBasic(name, url),
  };
}

function toBasic(name: string, url: URL): string {
  try {
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(user).toString("base64")}`;
  } catch {
    // A URIError's message is no help, and it would be the cause of one that must hold no secret.
    throw proxyError(name, "its user name or password is not percent-encoded");
  }
}

function proxyError(name: string, reason: string): ConfigError {
  return new ConfigError(`Cannot use the environment variable ${name}: ${reason}`, {
    hint: `Write it as http://proxy.example.com:3128, or name the relay in NO_PROXY`,
  });
}

function parseExceptions(text: string): ProxyExceptions {
  const items = text.toLowerCase().split(/[\s,]+/).filter((item) => item !== "");
  const ranges = items.map((item) => parseCidr(item.replace(/^\[(.*)\]$/, "$1")));
  return {
    isEverything: items.includes("*"),
    addresses: createAddressSet(ranges.filter((range) => range !== undefined)),
    names: items.filter((_, i) => ranges[i] === undefined).map(parseExceptedName),
  };
}

function parseExceptedName(item: string): ExceptedName {
  const port = /:([0-9]+)$/.exec(item);
  const host = port === null ? item : item.slice(0, port.index);
  return {
    host: host.replace(/^\[(.*)\]$/, "$1").replace(/^\*?\./, "").replace(/\.$/, ""),
    port: port?.[1],
  };
}

function isExcepted(url: URL, { isEverything, addresses, names }: ProxyExceptions): boolean {
  const host = bareHost(url);
  if (isEverything || isLoopbackHost(host) || addresses.has(host)) return true;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return names.some((name) =>
    (name.port === undefined || name.port === port) &&
    (host === name.host || (isIP(host) === 0 && host.endsWith(`.${name.host}`)))
  );
}

/** As sockets want it: without brackets, and without the root's dot. */
function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

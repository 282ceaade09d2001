/**
 * The library: a program as a PTTH server of its own, with a handler as that of `Deno.serve`.
 *
 * It needs the right to reach the relay (`--allow-net`), and where the relay is reached by https the
 * right to read the system's certificates (`--allow-sys`).
 *
 * @example
 * ```ts ignore
 * import { serve } from "./ptth/lib/server/serve.ts";
 *
 * await using server = serve((request) => new Response(`You asked for ${request.url}\n`), {
 *   relayUrl: "https://relay.example.com",
 *   name: "my-server",
 *   apiKey: Deno.env.get("PTTH_API_KEY") ?? "",
 *   log: console,
 * });
 * console.log("Visitors:", (await server.connected).url);
 * ```
 */

import { checkKey, findKeyFault, KEY_HINT } from "../auth/key_strength.ts";
import { systemClock } from "../base/clock.ts";
import { ClosedError, toMessage } from "../base/errors.ts";
import { DRAIN_TIMEOUT_MS, MAX_WAIT_SECONDS } from "../base/limits.ts";
import type { LogFields, Logger } from "../base/log.ts";
import { checkRelayUrl } from "../base/relay_address.ts";
import { checkServerName } from "../base/server_name.ts";
import type { Handler, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { toFetchAnswer } from "./fetch_answer.ts";
import { toFetchRequest } from "./fetch_request.ts";
import { proxyFor, type ProxySettings, readProxySettings } from "./proxy_settings.ts";
import { RelayClient } from "./relay_client.ts";
import { type Connected, Server } from "./server.ts";
import { parseCertificates } from "./trusted_certificates.ts";

/**
 * Answers visitors. One for `Deno.serve` is one for this, with what follows.
 *
 * The **request** has the method, the fields and the body as the visitor sent them. Its URL is the
 * one that the visitor asked for, by the fields `X-Forwarded-Proto` and `X-Forwarded-Host`, which our
 * relay sets (one of 2.x lets visitors write them); what they leave open is taken from `relayUrl`.
 * Its path is without what leads to this server: `/servers/NAME`, or whatever a reverse proxy has
 * put before that, stands in `X-Forwarded-Prefix`. The URL class tidies: `/a/../b` is `/b` there,
 * and {@linkcode ServeInfo.target} has what was sent. Repeated fields are joined in order, as by
 * Headers; cookies by `; `. The body is fetched as it is read, and not before; GET and HEAD never
 * have one. `signal` aborts when the visitor leaves, or the server gives up.
 *
 * Without the handler are answered: by 501 the methods that Fetch forbids (CONNECT, TRACE, TRACK);
 * by 400 what no Request can hold (a malformed target or host, a malformed field).
 *
 * The **response** may have any status from 200 to 599. Its body is read as fast as the visitor
 * reads, and cancelled when that one leaves, also before a byte of it was sent; so is that of an
 * answer to HEAD. Without a Content-Length a body goes out chunked, unless it is small and ready;
 * with one it must have just so many bytes, or the visitor is cut off. Several Set-Cookie fields stay
 * several. Redirects, links and cookies for `/` are moved below `/servers/NAME` by the relay.
 *
 * A handler that throws, a body that was used already, and `Response.error()` become 500, and a line
 * in the log. A WebSocket cannot be answered so.
 *
 * A relay of PTTH 2.x, which speaks only the classic protocol, brings GET and HEAD alone, and
 * carries eleven statuses (docs/semantics.md).
 */
export type ServeHandler = (request: Request, info: ServeInfo) => Response | Promise<Response>;

/** What a handler gets beside the request; more than `Deno.ServeHandlerInfo`. */
export interface ServeInfo {
  /**
   * The visitor's address, as the relay sees it; "" where a relay of 2.x does not tell. The port is
   * not known, and always 0.
   */
  readonly remoteAddr: {
    readonly transport: "tcp";
    readonly hostname: string;
    readonly port: number;
  };
  /**
   * Path and query just as the visitor sent them, behind `/servers/NAME`: not decoded, not tidied,
   * one character per byte.
   */
  readonly target: string;
  /**
   * Resolves when the answer has been handed over, to the visitor or, where it is small, to the
   * relay; rejects where it was cut off. Nobody has to look at it.
   */
  readonly completed: Promise<void>;
}

/** A log; `console` is one. */
export type ServeLog = Pick<Logger, "debug" | "info" | "warn" | "error">;

/** How to be a server. */
export interface ServeOptions {
  /**
   * Where the relay is, as `https://relay.example.com`; with or without the prefix `/7ZSFUKGV`,
   * behind any path of a reverse proxy. By http the key crosses the network in the clear.
   */
  readonly relayUrl: string | URL;
  /** The name by which the relay knows this server: 1 to 63 letters, digits and `-._~`. */
  readonly name: string;
  /**
   * The server's key, whose tripcode the relay has (`ptth_server --print-tripcode`). A secret: read
   * it from a file or from the environment, and never from the command line.
   */
  readonly apiKey: string;
  /**
   * Default false: a key that could be guessed from its tripcode is refused, as ptth_server does,
   * before anything is sent. True is for tests. One that no header can carry is refused in any case.
   */
  readonly allowWeakKey?: boolean;
  /**
   * How long {@linkcode PtthServer.shutdown} waits for exchanges in flight before it cuts them, in
   * milliseconds. Default 30,000, as ptth_server has it; at most a day; Infinity for as long as they
   * take. The signal given to shutdown may end the wait sooner.
   */
  readonly drainTimeoutMs?: number;
  /** Certificates (PEM) that the relay's may be signed by, beside the system's. Default none. */
  readonly caCertificates?: string;
  /**
   * Looks environment variables up: http_proxy, https_proxy, all_proxy and no_proxy say by which
   * proxy the relay is reached. `(name) => Deno.env.get(name)` heeds them as ptth_server does; it
   * needs `--allow-env` for them in both spellings. Default: none are set.
   */
  readonly env?: (name: string) => string | undefined;
  /**
   * Told of connecting and its failures, of handlers that throw and of bodies that fail: `console`,
   * or a log of your own. It never gets the key. Default: silent, so that a handler's errors show
   * nowhere but in the visitor's 500.
   */
  readonly log?: ServeLog;
}

/** A server that runs until it is shut down. */
export interface PtthServer extends AsyncDisposable {
  /**
   * Resolves once the relay has taken the server for the first time. While the relay is away, or
   * refuses name and key, it is asked again for ever, and the log says so.
   *
   * Rejects with a RangeError where the key is weak: then nothing is sent, ever. Where nobody waits
   * for it, that ends the program, as with any rejection. Rejects with a ClosedError after a
   * shutdown that came first, and does not insist on being heard.
   */
  readonly connected: Promise<Connected>;
  /**
   * Takes no more exchanges, lets those in flight end, and closes the connections to the relay. What
   * is left is cut once `signal` aborts, or after `drainTimeoutMs`. May be called again, with
   * another signal; all calls end together, and none rejects.
   */
  shutdown(signal?: AbortSignal): Promise<void>;
  /** As `shutdown()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Connects to a relay and answers visitors by `handler`, until it is shut down. Returns at once;
 * whether the key is strong enough shows in {@linkcode PtthServer.connected}.
 *
 * Several servers, also of one name, may run in one program; visitors of one name are shared out.
 *
 * @throws {TypeError} for an option that is malformed. The message never quotes a value.
 * @throws {RangeError} for a time that is out of bounds.
 * @throws {SyntaxError} for certificates that cannot be read.
 */
export function serve(handler: ServeHandler, options: ServeOptions): PtthServer {
  return new HandlerServer(handler, readOptions(options));
}

interface Settings {
  readonly relayUrl: URL;
  readonly name: string;
  readonly apiKey: string;
  readonly allowWeakKey: boolean;
  readonly drainTimeoutMs: number;
  readonly certificates: readonly string[];
  readonly proxy: ProxySettings;
  readonly log: Logger;
}

class HandlerServer implements PtthServer {
  readonly connected: Promise<Connected>;
  readonly #settings: Settings;
  readonly #client: RelayClient;
  readonly #server: Server;
  readonly #giveUp = new AbortController();
  readonly #rejectConnected: (reason: Error) => void;
  #ended: Promise<void> | undefined;

  constructor(handler: ServeHandler, settings: Settings) {
    const { relayUrl, name, apiKey, certificates, proxy, log } = settings;
    this.#settings = settings;
    this.#client = new RelayClient({ proxy, extraCertificates: certificates });
    this.#server = new Server({
      name,
      apiKey,
      relayUrl: relayUrl.href,
      throttleUpload: false,
      handler: toHandler(handler, settings),
      client: this.#client,
      clock: systemClock,
      log,
    });
    const { promise, resolve, reject } = Promise.withResolvers<Connected>();
    this.connected = promise;
    this.#rejectConnected = reject;
    this.#start().catch(reject);
    void this.#server.connected.then(resolve);
  }

  async shutdown(signal?: AbortSignal): Promise<void> {
    const giveUp = (): void => this.#giveUp.abort();
    if (signal?.aborted === true) giveUp();
    signal?.addEventListener("abort", giveUp, { once: true });
    await (this.#ended ??= this.#stop());
    signal?.removeEventListener("abort", giveUp);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #start(): Promise<void> {
    const { apiKey, allowWeakKey } = this.#settings;
    if (!allowWeakKey) {
      const verdict = await checkKey(apiKey);
      if (!verdict.ok) throw new RangeError(`Cannot use apiKey: ${verdict.reason}. ${KEY_HINT}`);
    }
    if (this.#ended === undefined) this.#server.start();
  }

  async #stop(): Promise<void> {
    // Whoever shuts down need not have waited for it.
    this.connected.catch(() => {});
    this.#rejectConnected(
      new ClosedError("The server was shut down before the relay had taken it"),
    );
    const { drainTimeoutMs } = this.#settings;
    const timer = drainTimeoutMs === Infinity
      ? undefined
      : systemClock.after(drainTimeoutMs, () => this.#giveUp.abort());
    await this.#server.stop(this.#giveUp.signal);
    if (timer !== undefined) systemClock.clear(timer);
    this.#client.close();
  }
}

function toHandler(handler: ServeHandler, { relayUrl, log }: Settings): Handler {
  return async (request) => {
    const made = toFetchRequest(request, relayUrl);
    if (!(made instanceof Request)) return made;
    const { target, signal } = request;
    try {
      const response: unknown = await handler(made, toInfo(request));
      return toFetchAnswer(response, (reason) => {
        log.error("Response cannot be sent", { reason, target });
      });
    } catch (error) {
      // What the handler was waiting for has been aborted along with the visitor: no fault of its.
      if (!signal.aborted) log.error("Handler failed", { reason: toMessage(error), target });
      return textAnswer(500, "Internal error");
    }
  };
}

function toInfo({ remoteAddress, target, finished }: HttpRequest): ServeInfo {
  const completed = finished.then((delivery) => {
    if (delivery === "cut") throw new ClosedError("The visitor did not get the whole answer");
  });
  completed.catch(() => {});
  return { remoteAddr: { transport: "tcp", hostname: remoteAddress, port: 0 }, target, completed };
}

/** @throws as {@linkcode serve} does. */
function readOptions(options: ServeOptions): Settings {
  const { allowWeakKey = false, drainTimeoutMs = DRAIN_TIMEOUT_MS, caCertificates } = options;
  const { name, apiKey } = options;
  const relayUrl = String(options.relayUrl);
  expect("relayUrl", checkRelayUrl(relayUrl));
  expect("name", typeof name === "string" ? checkServerName(name) : "a string");
  if (typeof apiKey !== "string") throw new TypeError("Cannot use apiKey: it is no string");
  const fault = findKeyFault(apiKey);
  if (fault !== undefined) throw new TypeError(`Cannot use apiKey: ${fault}`);
  const isTime = drainTimeoutMs === Infinity ||
    (drainTimeoutMs >= 0 && drainTimeoutMs <= MAX_WAIT_SECONDS * 1000);
  if (!isTime) {
    throw new RangeError(
      `Cannot use drainTimeoutMs ${drainTimeoutMs}: it must be 0 to a day, or Infinity`,
    );
  }
  return {
    relayUrl: new URL(relayUrl),
    name,
    apiKey,
    allowWeakKey,
    drainTimeoutMs,
    certificates: caCertificates === undefined ? [] : parseCertificates(caCertificates),
    proxy: readProxy(new URL(relayUrl), options.env),
    log: toLogger(options.log),
  };
}

function expect(option: string, wanted: string | undefined): void {
  if (wanted !== undefined) throw new TypeError(`Cannot use ${option}: it must be ${wanted}`);
}

/** Here a faulty variable is an error of the caller; later it would be one of the network. */
function readProxy(relayUrl: URL, env: ServeOptions["env"] = () => undefined): ProxySettings {
  const settings = readProxySettings(env);
  try {
    proxyFor(relayUrl, settings);
  } catch (error) {
    throw new TypeError(toMessage(error));
  }
  return settings;
}

function toLogger(log: ServeLog | undefined): Logger {
  const line = (level: keyof ServeLog) => (message: string, fields?: LogFields): void => {
    if (fields === undefined) log?.[level](message);
    else log?.[level](message, fields);
  };
  const logger: Logger = {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    named: () => logger,
  };
  return logger;
}

/** A local web application behind a relay and a server, all in this process. */

import { createDispatcher } from "../../lib/server/dispatch.ts";
import { openOrigin, type OriginOptions } from "./origins.ts";
import { RawConnection } from "./raw_connection.ts";
import { RawServer, type ServerConnection } from "./raw_server.ts";
import { NAME, startRelay, startServer } from "./tunnel.ts";

/** Where visitors have it. */
export const APP = `/servers/${NAME}/app/`;

export interface ApplicationWorld extends AsyncDisposable {
  readonly port: number;
  /** The application. */
  readonly application: RawServer;
  /** A visitor that sends no request of its own. */
  connect(options?: { readonly allowHalfOpen?: boolean }): Promise<RawConnection>;
}

/** An application at /app/, which does not know of that. */
export async function startApplication(
  serve: (connection: ServerConnection, index: number) => void | Promise<void>,
  options: OriginOptions & { readonly hostSuffix?: string } = {},
): Promise<ApplicationWorld> {
  await using stack = new AsyncDisposableStack();
  const { hostSuffix, ...originOptions } = options;
  const application = stack.use(await RawServer.listen(serve, undefined, { allowHalfOpen: true }));
  const origin = stack.use(openOrigin(application.port, { path: "/app/", ...originOptions }));
  const relay = stack.use(await startRelay(hostSuffix === undefined ? {} : { hostSuffix }));
  stack.use(await startServer(relay.url, createDispatcher({ origins: [origin] })));
  const moved = stack.move();
  return {
    port: relay.port,
    application,
    connect: (how) => RawConnection.open(relay.port, how),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

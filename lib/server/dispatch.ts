/**
 * What a server has, by the path behind its name: local web applications, a folder under /files/,
 * and where neither is at `/`, a front page.
 */

import { errorAnswer } from "../http/error_answer.ts";
import { redirectToFolder } from "../http/folder_redirect.ts";
import { htmlPage, PAGE_HEADERS } from "../http/html.ts";
import type { Handler, HttpAnswer } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import { textAnswer } from "../http/text_answer.ts";
import type { FileServer } from "../files/file_server.ts";
import type { Origin } from "./origin.ts";

const FILES = "/files";
const FOLDER_API = "/api/v1/dir";

export interface DispatchOptions {
  /** Undefined where no folder is served. */
  readonly files?: FileServer | undefined;
  readonly origins?: readonly Origin[];
}

/** Answers tunnelled requests: the longest path that fits decides. */
export function createDispatcher({ files, origins = [] }: DispatchOptions): Handler {
  const routes: { readonly path: string; readonly answer: Handler }[] = [...origins];
  if (files !== undefined) {
    const take = (prefix: string, form?: "json"): Handler => (request) => {
      const target = parseTarget(request.target);
      const path = target.kind === "origin" ? target.path.slice(prefix.length) : "/";
      return files.answer(request, path, form);
    };
    routes.push({ path: `${FILES}/`, answer: take(FILES) });
    routes.push({ path: `${FOLDER_API}/`, answer: take(FOLDER_API, "json") });
  }
  routes.sort((a, b) => b.path.length - a.path.length);
  return (request) => {
    const target = parseTarget(request.target);
    // Whatever an absolute target names, it is nothing that this server would contact.
    if (target.kind !== "origin") return textAnswer(400, "The target is malformed");
    const { path, query } = target;
    const isFolder = routes.some((candidate) =>
      candidate.path === `${path}/` && candidate.path !== `${FOLDER_API}/`
    );
    if (isFolder) return redirectToFolder(path.split("/").at(-1) ?? "", query);
    const route = routes.find((candidate) => path.startsWith(candidate.path));
    if (route !== undefined) return route.answer(request);
    if (path === "/") return homePage(files !== undefined);
    return errorAnswer(404, { requestHeaders: request.headers });
  };
}

/** It names nothing of this computer: whoever has the link may read it. */
function homePage(hasFiles: boolean): HttpAnswer {
  const links = hasFiles ? '<p><a href="./files/">Files</a>' : "<p>There is nothing here.";
  const page = htmlPage("PTTH server", `<h1>PTTH server</h1>\n${links}`);
  return {
    status: 200,
    headers: [...PAGE_HEADERS, "Cache-Control", "no-cache"],
    body: new TextEncoder().encode(page),
  };
}

/** The computer's file system, with counters, events and hold points. */

import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import {
  type FileFault,
  type FileSystem,
  isFault,
  type OpenFile,
} from "../../lib/files/file_system.ts";

export class WatchedFileSystem {
  readonly fileSystem: FileSystem = {
    ...denoFileSystem,
    open: (path) => this.#open(path),
  };
  /** Files open now, files ever opened, and bytes read of streamed ones. */
  openCount = 0;
  openedCount = 0;
  bytesRead = 0;
  /** A hold point: what it returns is awaited before each read of a streamed file. */
  beforeRead: () => Promise<void> | void = () => {};
  #waiting: (() => void)[] = [];

  /** Waits for an open, a read or a close after which `condition` holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #open(path: string): OpenFile | FileFault {
    const file = denoFileSystem.open(path);
    if (isFault(file)) return file;
    this.openCount++;
    this.openedCount++;
    this.#notify();
    return {
      ...file,
      read: async (buffer) => {
        await this.beforeRead();
        const count = await file.read(buffer);
        this.bytesRead += count;
        this.#notify();
        return count;
      },
      close: () => {
        file.close();
        this.openCount--;
        this.#notify();
      },
    };
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

import { once } from 'node:events';
import { createServer } from 'node:net';
import { OperatorError } from '../config/operator-error';

const REMEDIES: Record<string, (host: string, port: number) => string> = {
  EADDRINUSE: (host, port) =>
    `Another process uses port ${port} of ${host}: stop that process, or set PORT to another port.`,
  EACCES: (host, port) =>
    `Scimify's user may not listen on port ${port} of ${host}: set PORT to a port from 1024 to 65535, or give the user that right.`,
};

/** Scimify cannot listen on its address. */
export class CannotListenError extends OperatorError {
  constructor(host: string, port: number, { code = 'unknown' }: NodeJS.ErrnoException) {
    const remedy =
      REMEDIES[code]?.(host, port) ??
      `Scimify cannot listen on ${host} (${code}): set HOST to an address of this machine.`;
    super(remedy);
    this.name = 'CannotListenError';
  }
}

/**
 * Runs before anything else: a first boot must not create keys and a database for a server that cannot listen.
 *
 * @throws CannotListenError
 */
export async function assertCanListen(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    throw new CannotListenError(host, port, error as NodeJS.ErrnoException);
  }
  server.close();
  await once(server, 'close');
}

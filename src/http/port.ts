import { once } from 'node:events';
import { createServer } from 'node:net';
import { OperatorError } from '../config/operator-error';

const REMEDIES: Record<string, (host: string, port: number) => string> = {
  EADDRINUSE: (host, port) =>
    `Port ${port} of ${host} is taken by another process: stop that one, or set PORT to another port.`,
  EACCES: (host, port) =>
    `Scimify's user may not listen on port ${port} of ${host}: set PORT to one from 1024 to 65535, or give the user that right.`,
};

/** Scimify cannot listen where it is to. */
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
 * Before anything else is touched: what is made at a first boot is not made for a server that cannot be reached.
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

import type { Server } from 'node:http';
import { BlockList, type DropArgument, type Socket, isIPv6 } from 'node:net';
import type { Logger as Pino } from 'pino';
import type { ConnectionLimits } from '../config/settings';
import { clientNetwork } from '../security/client-network';

const MINUTE_MS = 60_000;

/**
 * Closes connections that are too many at once, in all or of one client network; they are told in the log, one line a
 * minute.
 *
 * @param trustedProxies addresses and networks that may have any number: their clients are many
 */
export function limitConnections(
  server: Server,
  { most, mostPerNetwork }: Pick<ConnectionLimits, 'most' | 'mostPerNetwork'>,
  trustedProxies: readonly string[],
  log: Pino,
): void {
  const refused = new RefusedConnections(log);
  const isProxy = networkList(trustedProxies);
  const open = new Map<string, number>();

  server.maxConnections = most;
  server.on('drop', (dropped?: DropArgument) => refused.note(dropped?.remoteAddress ?? '', most, 'in all'));
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress;
    // It is gone already.
    if (address === undefined) return;
    if (isProxy(address)) return;
    const network = clientNetwork(address);
    const ofNetwork = open.get(network) ?? 0;
    if (ofNetwork >= mostPerNetwork) {
      socket.destroy();
      refused.note(network, ofNetwork, 'of this network');
      return;
    }
    open.set(network, ofNetwork + 1);
    socket.once('close', () => {
      const left = open.get(network)! - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}

/** One line a minute, however many there are. */
class RefusedConnections {
  private sinceLine = 0;
  private lineAt = -Infinity;

  constructor(private readonly log: Pino) {}

  /** @param open how many connections were open at that time */
  note(client: string, open: number, which: string): void {
    this.sinceLine += 1;
    const now = performance.now();
    if (now - this.lineAt < MINUTE_MS) return;
    this.log.warn({ client, open, refused: this.sinceLine }, `A connection was closed: too many ${which}`);
    this.lineAt = now;
    this.sinceLine = 0;
  }
}

function networkList(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
    const plain = (mapped ?? address).split('%', 1)[0]!;
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}

import type { Server } from 'node:http';
import { BlockList, type DropArgument, type Socket, isIPv6 } from 'node:net';
import type { Logger as Pino } from 'pino';
import type { ConnectionLimits } from '../config/settings';
import { clientNetwork } from '../security/client-network';

const MINUTE_MS = 60_000;

/**
 * Closes connections beyond the limits, in total and of one client network. The log gets one line a minute.
 *
 * @param trustedProxies addresses and networks without a limit, because they have many clients
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
  server.on('drop', (dropped?: DropArgument) => refused.note(dropped?.remoteAddress ?? '', most, 'in total'));
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress;
    // The client has already disconnected.
    if (address === undefined) return;
    if (isProxy(address)) return;
    const network = clientNetwork(address);
    const ofNetwork = open.get(network) ?? 0;
    if (ofNetwork >= mostPerNetwork) {
      socket.destroy();
      refused.note(network, ofNetwork, 'from this network');
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

/** Logs one line a minute, however many connections it refuses. */
class RefusedConnections {
  private sinceLine = 0;
  private lineAt = -Infinity;

  constructor(private readonly log: Pino) {}

  /** @param open how many connections were open at that time */
  note(client: string, open: number, which: string): void {
    this.sinceLine += 1;
    const now = performance.now();
    if (now - this.lineAt < MINUTE_MS) return;
    this.log.warn(
      { client, open, refused: this.sinceLine },
      `Closed a connection: too many connections ${which}`,
    );
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

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const REQUESTS = join(__dirname, '../clients/requests');

/** All recorded requests of all clients. */
export function recordedRequests(): { method: string; target: string; body?: unknown }[] {
  return readdirSync(REQUESTS).flatMap((client) =>
    readdirSync(join(REQUESTS, client)).flatMap((file) => {
      const text = readFileSync(join(REQUESTS, client, file), 'utf8');
      const { exchanges } = JSON.parse(text) as {
        exchanges: { request: { method: string; target: string; body?: unknown } }[];
      };
      return exchanges.map(({ request }) => request);
    }),
  );
}

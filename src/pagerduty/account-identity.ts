import type { CallContext, RemoteAccount } from '../integrations/provider/integration-provider';
import type { PagerDutyClient } from './api/client';
import { unreadableAnswer } from './api/failures';
import { parsePage, parseTeam, parseUser } from './api/types';

/**
 * The account of the first row of a list. Costs one call.
 * @returns null when the credential sees an empty list, or the row has no address
 * @throws ProviderError
 */
export async function accountShownBy(
  client: PagerDutyClient,
  collection: 'teams' | 'users',
  context: CallContext,
): Promise<RemoteAccount | null> {
  const operation = collection === 'teams' ? 'list_teams' : 'list_users';
  const answer = await client.send(
    { operation, method: 'GET', path: [collection], query: { limit: '1' } },
    context,
  );
  const parseRow = collection === 'teams' ? parseTeam : parseUser;
  const page = parsePage<{ htmlUrl: string | null }>(answer.body, collection, parseRow, 1);
  if (page === null) throw unreadableAnswer(operation, answer.status);
  for (const row of page.rows) {
    const account = row.htmlUrl === null ? null : accountOfUrl(row.htmlUrl);
    if (account !== null) return account;
  }
  return null;
}

/** `https://acme.pagerduty.com/teams/PQ9K7I8` and, in the EU service region, `https://acme.eu.pagerduty.com/…`. */
function accountOfUrl(htmlUrl: string): RemoteAccount | null {
  let host: string;
  try {
    host = new URL(htmlUrl).hostname;
  } catch {
    return null;
  }
  const match = /^([a-z0-9-]+)(\.eu)?\.pagerduty\.com$/.exec(host);
  const subdomain = match?.[1];
  if (subdomain === undefined) return null;
  const region = match?.[2] === undefined ? 'us' : 'eu';
  return { identity: `pagerduty:${region}:${subdomain}`, name: subdomain, url: `https://${host}` };
}

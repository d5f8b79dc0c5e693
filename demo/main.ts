import { parseArgs } from 'node:util';
import { type Simulator, startSimulator } from '../simulator/simulator';
import { AdminClient } from './admin-client';
import { differences } from './expected-outcome';
import { Narrator } from './narrator';
import { OktaSession } from './okta-session';
import { readOutcome } from './outcome';
import { report } from './report';
import { ScimifyProcess } from './scimify-process';
import { STORY, seedPagerDuty } from './story';

const START = 'The demo starts Scimify and a PagerDuty simulator';

const USAGE = `npm run demo -- [--auth oauth|api_key] [--exit] [--help]

Starts Scimify and a PagerDuty simulator on this machine, sends them the requests of Okta, and prints each step. It uses no
network. It writes all files to a temporary folder and removes the folder at the end.

  --auth   how Scimify signs in to PagerDuty (default: oauth)
  --exit   stop after the session; the exit code is 0 if the result is as expected
  --help   show this text
`;

type AuthMethod = 'oauth' | 'api_key';

interface Options {
  readonly auth: AuthMethod;
  readonly exit: boolean;
  readonly help: boolean;
}

/** Stops what was started, in reverse order, even after an error. */
const running: (() => Promise<void>)[] = [];

async function stopAll(): Promise<void> {
  for (let end = running.pop(); end; end = running.pop()) await end();
}

function readOptions(): Options | null {
  try {
    const { values } = parseArgs({
      options: {
        auth: { type: 'string' },
        exit: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const auth = values.auth ?? 'oauth';
    if (auth !== 'oauth' && auth !== 'api_key') throw new Error(`--auth ${auth}: must be oauth or api_key`);
    return { auth, exit: values.exit ?? false, help: values.help ?? false };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return null;
  }
}

function credentialOf(simulator: Simulator, auth: AuthMethod): { settings: object; secret: string } {
  if (auth === 'api_key') {
    return {
      settings: { authMethod: 'api_key', accountRegion: simulator.region },
      secret: simulator.addApiKey(),
    };
  }
  const client = simulator.addOAuthClient();
  return {
    settings: {
      authMethod: 'oauth',
      clientId: client.clientId,
      accountSubdomain: client.subdomain,
      accountRegion: client.region,
    },
    secret: client.clientSecret,
  };
}

/** @returns whether the result is as expected */
async function play({ auth, exit }: Options): Promise<boolean> {
  const narrator = new Narrator(process.stdout);
  narrator.title(
    `Scimify: groups from Okta become teams in PagerDuty (signed in by ${auth === 'oauth' ? 'Scoped OAuth' : 'API access key'})`,
  );

  narrator.contents('About ten seconds, with real requests between programs on this machine:', [
    START,
    ...STORY.map(({ title }) => title),
  ]);

  const begun = performance.now();
  narrator.chapter(START);
  const simulator = await startSimulator();
  running.push(() => simulator.close());
  seedPagerDuty(simulator);
  narrator.done(`a PagerDuty simulator with six people at ${simulator.url}`);
  const scimify = await ScimifyProcess.spawn(simulator.url);
  running.push(() => scimify.stop());
  await scimify.ready();
  scimify.onCrash((how) => {
    process.stderr.write(`${how}\n`);
    void stopAll().finally(() => process.exit(1));
  });
  narrator.done(`Scimify with a temporary SQLite database at ${scimify.url}`);

  const admin = new AdminClient(scimify.url, scimify.adminKey);
  const tenant = await admin.createTenant('Acme');
  const integration = await admin.createIntegration(tenant.id, {
    provider: 'pagerduty',
    name: 'PagerDuty',
    ...credentialOf(simulator, auth),
  });
  const scimKey = await admin.createScimKey(integration.id, 'Okta');
  narrator.done(`tenant Acme with an integration (${integration.mode}) and a SCIM key for Okta`);

  const okta = new OktaSession(integration.scimBaseUrl, scimKey.token, narrator);
  for (const chapter of STORY) {
    narrator.chapter(chapter.title);
    await chapter.play({ narrator, simulator, admin, integrationId: integration.id, okta });
  }

  const outcome = await readOutcome(simulator, admin, integration.id);
  report(narrator, outcome);
  const wrong = differences(outcome, tenant.id);
  narrator.line();
  if (wrong.length === 0) {
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    narrator.done(`all teams, groups and members are exactly as expected, after ${seconds} s`);
  }
  for (const difference of wrong) narrator.failed(difference);
  if (exit) return wrong.length === 0;

  narrator.heading('Scimify and the simulator keep running; press Ctrl-C to stop them');
  for (const [what, where] of [
    ['Swagger UI', `${scimify.url}/api/docs`],
    ['Admin key', scimify.adminKey],
    ['SCIM base URL', integration.scimBaseUrl],
    ['SCIM key', scimKey.token],
    ['Simulator', `${simulator.url}/_control`],
    ['Log', scimify.logFile],
  ] as const) {
    narrator.row([
      [what, 14],
      [where, 0],
    ]);
  }
  return wrong.length === 0;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (!options) {
    process.exitCode = 2;
    return;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.stdout.write('\nstopping\n');
      void stopAll().finally(() => process.exit(options.exit ? 130 : 0));
    });
  }
  try {
    const right = await play(options);
    process.exitCode = right ? 0 : 1;
    if (options.exit) await stopAll();
  } catch (error) {
    process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    await stopAll();
  }
}

void main();

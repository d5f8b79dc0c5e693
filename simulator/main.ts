import { startSimulator, type Simulator } from './simulator';

const DEFAULT_PORT = 4010;

function settings() {
  const { SIMULATOR_PORT, SIMULATOR_HOST, SIMULATOR_CONTROL_TOKEN } = process.env;
  const port = SIMULATOR_PORT === undefined || SIMULATOR_PORT === '' ? DEFAULT_PORT : Number(SIMULATOR_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error('SIMULATOR_PORT must be a port number from 0 to 65535.');
  }
  return {
    port,
    ...(SIMULATOR_HOST ? { host: SIMULATOR_HOST } : {}),
    ...(SIMULATOR_CONTROL_TOKEN ? { controlToken: SIMULATOR_CONTROL_TOKEN } : {}),
  };
}

function welcome(simulator: Simulator): string {
  const client = simulator.addOAuthClient();
  const key = simulator.addApiKey();
  const { url, euUrl, tokenUrl, subdomain, region } = simulator;
  return `PagerDuty simulator

  REST API        ${url}        (strict about the region: ${url}/us, ${euUrl})
  OAuth tokens    ${tokenUrl}
  Control API     ${url}/_control

  Account         ${subdomain} (${region}), no users and no teams yet
  OAuth client    ${client.clientId}
  Client secret   ${client.clientSecret}
  API key         ${key}

Point Scimify at it:
  PAGERDUTY_API_URL=${url} PAGERDUTY_IDENTITY_URL=${url} npm start

Add a user, then list the teams and the calls:
  curl -s ${url}/_control/users -H 'content-type: application/json' -d '{"email": "ada@example.com", "name": "Ada"}'
  curl -s ${url}/_control/teams
  curl -s ${url}/_control/calls

Press Ctrl-C to stop it. It keeps no data.
`;
}

async function main(): Promise<void> {
  const simulator = await startSimulator(settings());
  process.stdout.write(welcome(simulator));
  const stop = () => {
    void simulator.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  const { code, message = String(error) } = (error ?? {}) as NodeJS.ErrnoException;
  const remedy =
    code === 'EADDRINUSE' ? '. Stop the program that uses this port, or set SIMULATOR_PORT.' : '';
  process.stderr.write(`simulator: ${message}${remedy}\n`);
  process.exitCode = 1;
});

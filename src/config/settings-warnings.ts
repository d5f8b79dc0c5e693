import { getMetadataStorage } from 'class-validator';
import { Environment } from './environment';
import { nearestName } from './nearest-name';
import { isLoopback } from './settings';

const PREFIX = 'SCIMIFY_';
/** Variables that Kubernetes sets for a service: `SCIMIFY_SERVICE_HOST`, `SCIMIFY_PORT_3000_TCP_ADDR`. */
const KUBERNETES_VARIABLE = /^(\w+?)_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

/** Every environment variable that Scimify reads. */
export function settingNames(): string[] {
  const checks = getMetadataStorage().getTargetValidationMetadatas(Environment, '', false, false);
  return [...new Set(checks.map(({ propertyName }) => propertyName))];
}

/** Settings that are allowed but probably a mistake, one sentence each. It shows no values. */
export function settingsWarnings(env: NodeJS.ProcessEnv): string[] {
  return [...unknownNames(env), ...unencryptedPublicUrl(env)];
}

function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known = settingNames();
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name) && !isKubernetesVariable(name, env))
    .map(
      (name) =>
        `${name} is not a setting of Scimify and has no effect. Did you mean ${nearest(name, known)}?`,
    );
}

function isKubernetesVariable(name: string, env: NodeJS.ProcessEnv): boolean {
  const service = KUBERNETES_VARIABLE.exec(name)?.[1];
  return service !== undefined && env[`${service}_SERVICE_HOST`] !== undefined;
}

/** Some settings have no prefix, and operators easily add one. */
function nearest(name: string, known: readonly string[]): string {
  const bare = (text: string) => (text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text);
  return known[nearestName(bare(name), known.map(bare))]!;
}

function unencryptedPublicUrl({ SCIMIFY_PUBLIC_URL: given }: NodeJS.ProcessEnv): string[] {
  if (!given) return [];
  const { protocol, hostname } = new URL(given);
  if (protocol === 'https:' || isLoopback(hostname)) return [];
  return [
    'SCIMIFY_PUBLIC_URL is not https: keys cross the network unencrypted, and identity providers refuse such a URL. Put a proxy with TLS in front of Scimify and use its https address.',
  ];
}

import type { Schema } from './types';

/** Examples for field names that have the same meaning in every schema. */
const BY_NAME: Record<string, string> = {
  nextCursor: 'MDE5OGMyZjQtN2QxZS03YTNiLTljNTUtM2YxZjBhNGI4ZTIx',
  displayName: 'Platform on-call',
  userName: 'ada@example.com',
  email: 'ada@example.com',
  remoteUserId: 'PXPGF42',
  scimBaseUrl: 'https://scim.example.com/scim/v2/0198c2f4-7d1e-7a3b-9c55-3f1f0a4b8e21',
  secret: 'the-client-secret',
};

/** Adds an example to each text field without example, format or enum. */
export function addExamples(schemas: Record<string, Schema>): void {
  for (const schema of Object.values(schemas)) {
    if ('$ref' in schema) continue;
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if ('$ref' in property || ![property.type].flat().includes('string')) continue;
      if (property.examples || property.format || property.enum || BY_NAME[name] === undefined) continue;
      property.examples = [BY_NAME[name]];
    }
  }
}

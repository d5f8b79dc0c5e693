export const ACTOR_KINDS = ['admin_key', 'scim_key', 'system'] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** The cause of a change and its request. Every write passes it on to the audit event. */
export interface Actor {
  kind: ActorKind;
  /** Name of the key, or of a part of Scimify. */
  name: string;
  /** The first characters of the token. */
  keyPrefix: string | null;
  /** Scimify's id of the HTTP request. Null without a request. */
  requestId: string | null;
}

export function systemActor(name: string): Actor {
  return { kind: 'system', name, keyPrefix: null, requestId: null };
}

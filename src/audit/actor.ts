export const ACTOR_KINDS = ['admin_key', 'scim_key', 'system'] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** Who causes a change, and by which request: goes with every write down to the audit event. */
export interface Actor {
  kind: ActorKind;
  /** Name of the key, or of the part of Scimify that acts by itself. */
  name: string;
  /** Readable beginning of the key. */
  keyPrefix: string | null;
  /** Our own id of the HTTP request, null where there is none. */
  requestId: string | null;
}

export function systemActor(name: string): Actor {
  return { kind: 'system', name, keyPrefix: null, requestId: null };
}

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretBox } from '../../security/secret-box';
import { ScimError } from '../messages/scim-error';

/** A cursor is valid only for the same list and the same query. */
export interface CursorScope {
  integrationId: string;
  resourceType: string;
  filter: string | null;
  sortBy: string | null;
  sortOrder: string;
}

const MAC_BYTES = 16;

/** Cursors of RFC 9865: a signed place in a list, bound to integration and query. The server stores nothing. */
@Injectable()
export class Cursors {
  private readonly key: Buffer;

  constructor(secrets: SecretBox) {
    // A rotation of the secret makes cursors invalid, and clients start the list again.
    [this.key] = secrets.derive('scim-cursor');
  }

  encode(scope: CursorScope, place: object): string {
    const text = Buffer.from(JSON.stringify(place));
    return Buffer.concat([this.mac(scope, text), text]).toString('base64url');
  }

  /** @throws ScimError 400 invalidCursor */
  decode<Place>(scope: CursorScope, cursor: string): Place {
    const bytes = Buffer.from(cursor, 'base64url');
    const text = bytes.subarray(MAC_BYTES);
    const mac = this.mac(scope, text);
    if (bytes.length <= MAC_BYTES || !timingSafeEqual(mac, bytes.subarray(0, MAC_BYTES))) {
      throw ScimError.invalidCursor();
    }
    return JSON.parse(text.toString('utf8')) as Place;
  }

  private mac(scope: CursorScope, text: Buffer): Buffer {
    const bound = createHash('sha256').update(JSON.stringify(scope)).digest();
    return createHmac('sha256', this.key).update(bound).update(text).digest().subarray(0, MAC_BYTES);
  }
}

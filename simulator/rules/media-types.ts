import { refusal } from '../http/answers';

const VERSION_2 = 'application/vnd.pagerduty+json;version=2';

/**
 * Without a version, PagerDuty uses the version of the key. Here every request must name the version, so a client that
 * forgets it always fails. The status 406 is our choice, because none is published.
 */
export function checkAccept(accept: string | undefined): void {
  const accepted = (accept ?? '').toLowerCase().replace(/\s/g, '').split(',');
  if (!accepted.includes(VERSION_2)) {
    throw refusal(406, 'Not Acceptable', undefined, [`Accept must be ${VERSION_2}`]);
  }
}

/** PagerDuty's docs require it on POST and PUT, with or without a body. The status 415 is our choice. */
export function checkContentType(contentType: string | undefined): void {
  const mediaType = (contentType ?? '').split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    throw refusal(415, 'Unsupported Media Type', undefined, ['Content-Type must be application/json']);
  }
}

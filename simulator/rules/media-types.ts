import { refusal } from '../http/answers';

const VERSION_2 = 'application/vnd.pagerduty+json;version=2';

/**
 * PagerDuty falls back to the version bound to the key; here every request must say which version it means, so that
 * a client that forgets cannot pass by luck. 406 is our choice of status: none is published.
 */
export function checkAccept(accept: string | undefined): void {
  const accepted = (accept ?? '').toLowerCase().replace(/\s/g, '').split(',');
  if (!accepted.includes(VERSION_2)) {
    throw refusal(406, 'Not Acceptable', undefined, [`Accept must be ${VERSION_2}`]);
  }
}

/** The docs ask for it on POST and PUT, with a body or without. 415 is our choice of status. */
export function checkContentType(contentType: string | undefined): void {
  const mediaType = (contentType ?? '').split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    throw refusal(415, 'Unsupported Media Type', undefined, ['Content-Type must be application/json']);
  }
}

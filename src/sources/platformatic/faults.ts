/** What an error of @platformatic/kafka means to a fetch. Pure. */
import { findErrorBy, GenericError } from '@platformatic/kafka';

/**
 * `unreadable`: the answer came and could not be parsed or inflated. `out_of_range`: an offset that the topic does not hold.
 * `session`: the broker forgot what it had been asked for; asking again tells it. `partition`: the broker refuses some Kafka
 * partition of those asked for. `unreachable`: all else.
 */
export type FetchFault = 'unreadable' | 'out_of_range' | 'session' | 'partition' | 'unreachable';

const SESSION_IDS = ['INVALID_FETCH_SESSION_EPOCH', 'FETCH_SESSION_ID_NOT_FOUND', 'FETCH_SESSION_TOPIC_ID_ERROR'];

export function fetchFaultOf(error: unknown): FetchFault {
  // The library throws its own classes for all that a broker or a socket does; what parsing throws is not among them.
  if (!(error instanceof Error) || !GenericError.isGenericError(error)) return 'unreadable';
  if (findErrorBy(error, 'apiId', 'OFFSET_OUT_OF_RANGE') !== null) return 'out_of_range';
  if (SESSION_IDS.some((id) => findErrorBy(error, 'apiId', id) !== null)) return 'session';
  return findErrorBy(error, 'code', 'PLT_KFK_PROTOCOL') === null ? 'unreachable' : 'partition';
}

/** True when the group only asks to join again. */
export function isRejoinAsked(error: unknown): boolean {
  return error instanceof Error && findErrorBy(error, 'needsRejoin', true) !== null;
}

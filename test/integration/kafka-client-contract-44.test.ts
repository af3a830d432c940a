/** The contract of a Kafka client, kept by both of ours on Kafka 4.4.0. */
import { holdToContract } from '../support/kafka-contract-suite.ts';

holdToContract('4.4.0');

/** The contract of a Kafka client, kept by both of ours on Kafka 3.9.2. */
import { holdToContract } from '../support/kafka-contract-suite.ts';

holdToContract('3.9.2');

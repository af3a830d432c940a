declare module 'kafkajs-snappy' {
  const createSnappyCodec: () => {
    decompress(buffer: Buffer): Promise<Buffer | Uint8Array>;
  };
  export default createSnappyCodec;
}

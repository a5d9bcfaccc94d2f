// Sync a folder with a bucket by s3-sync-client on the JavaScript SDK: upload.mjs FOLDER BUCKET [header|whole KEY]
// With KEY it uploads that file alone, with another header, or as one part.
import { readFile } from 'node:fs/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sync from 's3-sync-client';

const [folder, bucket, how, key] = process.argv.slice(2);
const client = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, forcePathStyle: true, region: 'us-east-1' });
const kinds = { css: 'text/css', html: 'text/html' };
const kind = (name) => kinds[name.split('.').pop()] ?? 'text/plain';

if (key) {
  const Body = await readFile(`${folder}/${key}`);
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentType: kind(key), ...(how === 'header' && { CacheControl: 'max-age=60' }) }));
} else {
  const { S3SyncClient } = sync;
  const input = ({ Key }) => ({ ContentType: kind(Key) });
  await new S3SyncClient({ client }).sync(folder, `s3://${bucket}`, { del: true, commandInput: input, partSize: 8 << 20 });
}

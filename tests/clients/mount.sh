# Sync a folder with a bucket that s3fs mounts: mount.sh cp|rsync FOLDER BUCKET [header|whole KEY]
# With KEY it uploads that file alone, with another header, or as one part.
set -euo pipefail
copy=$1 folder=$2 bucket=$3 how=${4:-} key=${5:-}
options=url=$AWS_ENDPOINT_URL,use_path_request_style,endpoint=us-east-1
mounted=$(mktemp -d)
trap 'fusermount -u "$mounted"; rmdir "$mounted"' EXIT

case $how in
  header)
    echo '.html Cache-Control max-age=60' > "$HOME/headers"
    options+=,multipart_size=8,ahbe_conf=$HOME/headers ;;
  whole) options+=,nomultipart ;;
  *) options+=,multipart_size=8 ;;
esac
s3fs "$bucket" "$mounted" -o "$options"

case $copy/$how in
  cp/)
    cp -rp "$folder"/* "$mounted"
    (cd "$mounted" && find . -type f) | while read -r file; do
      [[ -e $folder/$file ]] || rm "$mounted/$file"
    done ;;
  rsync/) rsync --recursive --times --omit-dir-times --inplace --checksum --delete "$folder/" "$mounted" ;;
  rsync/whole) rsync --times --inplace --ignore-times "$folder/$key" "$mounted/$key" ;;
  *) cp -p "$folder/$key" "$mounted/$key" ;;
esac

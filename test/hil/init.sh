#!/bin/busybox sh
# First program of the guest: the host's own file system, read-only below a layer in memory, becomes the root; then the job runs.
B=/bin/busybox
$B mount -t devtmpfs dev /dev
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
while read -r module; do $B insmod "/modules/$module" || echo "insmod $module failed"; done </modules/order
$B ip link set lo up
$B mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /lower
$B mount -t tmpfs layer /layer
$B mkdir -p /layer/upper /layer/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work root /root || echo "no root: is 9p there?"
for folder in proc sys dev; do $B mount -o bind "/$folder" "/root/$folder"; done
$B mount -t tmpfs run /root/run
$B mkdir -p /root/run/pcscd /root/dev/pts /root/mnt
$B mount -t devpts pts /root/dev/pts
$B mount -t tmpfs mnt /root/mnt
$B mkdir -p /root/mnt/share
$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /root/mnt/share
# The virtual reader of the host's pcscd has no place in here.
$B rm -f /root/etc/reader.conf.d/vpcd
SYSTEMD_IGNORE_CHROOT=1 HOME=/tmp PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $B chroot /root /bin/sh /mnt/share/job.sh
echo $? >/root/mnt/share/exit
$B sync
$B poweroff -f

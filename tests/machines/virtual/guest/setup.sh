#!/bin/sh
# What udev and fstab do elsewhere, and faster: mounts the data disks that the kernel's command line
# names (lab.disk=DEVICE:PLACE), and gives the machine its address at qemu's network.
set -eu
read -r words </proc/cmdline
for word in $words; do
    case $word in
    lab.disk=*)
        word=${word#lab.disk=} place=${word#*:}
        mkdir -p "$place"
        mount -t ext4 "/dev/${word%%:*}" "$place"
        chmod 0700 "$place"
        ;;
    esac
done
for port in /dev/ttyS?; do
    chown root:dialout "$port"
    chmod 0660 "$port"
done
ip link set lo up
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2

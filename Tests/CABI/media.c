/* SPDX-License-Identifier: Apache-2.0 */
/* Image processing: memory, descriptions, and what is refused; also in a forked child. */
#include "check.h"
#include "acl/ops/acl_dvpp.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void memory(void)
{
    void *block = NULL;
    void *other = NULL;
    size_t before = 0;
    size_t after = 0;
    size_t total = 0;
    aclrtPtrAttributes attributes;

    CHECK(aclrtGetMemInfo(ACL_HBM_MEM, &before, &total), 0);
    CHECK(acldvppMalloc(NULL, 1), 100000);
    CHECK(told("devPtr"), 1);
    CHECK(acldvppMalloc(&block, 0), 100000);
    CHECK(acldvppMalloc(&block, SIZE_MAX), 100000);
    CHECK(acldvppMalloc(&block, SIZE_MAX / 2), 207001);
    CHECK(acldvppMalloc(&block, 1), 0);
    CHECK((size_t)block % 128, 0);
    CHECK(aclrtGetMemInfo(ACL_HBM_MEM, &after, &total), 0);
    CHECK(before - after, 64);
    CHECK(aclrtPointerGetAttributes(block, &attributes), 0);
    CHECK(attributes.location.type, ACL_MEM_LOCATION_TYPE_DEVICE);
    CHECK(acldvppMallocWithCfg(&other, 100, ACL_MEM_MALLOC_HUGE_FIRST, NULL), 0);
    CHECK(aclrtMemcpy(other, 1, block, 1, ACL_MEMCPY_DEVICE_TO_DEVICE), 0);
    CHECK(acldvppFree(NULL), 100000);
    CHECK(acldvppFree((char *)block + 1), 107000);
    CHECK(acldvppFree(block), 0);
    CHECK(acldvppFree(block), 107000);
    CHECK(told("a freed block of 1 bytes of device memory for image processing"), 1);
    CHECK(aclrtMemcpy(other, 1, block, 1, ACL_MEMCPY_DEVICE_TO_DEVICE), 107000);
    CHECK(aclrtFree(other), 0);
    CHECK(acldvppFree(&block), 107000);
    CHECK(aclrtGetMemInfo(ACL_HBM_MEM, &after, &total), 0);
    CHECK(after, before);
}

static void pictures(void)
{
    acldvppPicDesc *picture = acldvppCreatePicDesc();
    acldvppBatchPicDesc *batch = acldvppCreateBatchPicDesc(2);
    unsigned char pixels[24];

    CHECK(picture != NULL && batch != NULL, 1);
    CHECK(acldvppSetPicDescFormat(picture, PIXEL_FORMAT_BGR_888_PLANAR), 0);
    CHECK(acldvppGetPicDescFormat(picture), 70);
    CHECK(acldvppSetPicDescData(picture, pixels), 0);
    CHECK(acldvppGetPicDescData(picture) == pixels, 1);
    CHECK(acldvppSetPicDescWidth(NULL, 1), 100000);
    CHECK(acldvppGetPicDescWidth(NULL), 0);
    CHECK(told("picDesc is null"), 1);
    CHECK(acldvppGetPicDescData((acldvppPicDesc *)batch) == NULL, 1);
    CHECK(told("batch of picture descriptions"), 1);
    CHECK(acldvppSetPicDescSize((acldvppPicDesc *)pixels, 1), 100000);
    CHECK(told("not a handle of this library"), 1);
    CHECK(acldvppGetPicDesc(batch, 1) == acldvppGetPicDesc(batch, 1), 1);
    CHECK(acldvppGetPicDesc(batch, 2) == NULL, 1);
    CHECK(acldvppDestroyPicDesc(acldvppGetPicDesc(batch, 0)), 100000);
    CHECK(acldvppDestroyBatchPicDesc(batch), 0);
    CHECK(acldvppDestroyBatchPicDesc(batch), 100000);
    CHECK(acldvppDestroyPicDesc(picture), 0);
    CHECK(acldvppDestroyPicDesc(picture), 100000);
    CHECK(told("has been destroyed"), 1);
}

static void refused(void)
{
    acldvppChannelDesc *channel = acldvppCreateChannelDesc();
    acldvppBatchPicDesc *batch = acldvppCreateBatchPicDesc(1);
    acldvppPicDesc *picture = acldvppGetPicDesc(batch, 0);
    acldvppRoiConfig *area = acldvppCreateRoiConfig(0, 1, 0, 1);
    acldvppBorderConfig *border = acldvppCreateBorderConfig();
    acldvppResizeConfig *resize = acldvppCreateResizeConfig();
    uint32_t count = 1;

    CHECK(acldvppCreateChannel(channel), 207000);
    CHECK(told("image processor"), 1);
    CHECK(acldvppVpcBatchCropAsync(channel, batch, &count, 1, batch, &area, NULL), 207000);
    CHECK(acldvppVpcBatchCropAsync(channel, batch, &count, 0, batch, &area, NULL), 100000);
    CHECK(acldvppVpcBatchCropResizeAsync(channel, batch, &count, 1, batch, &area, resize, NULL), 207000);
    CHECK(acldvppVpcBatchCropAndPasteAsync(channel, batch, &count, 1, batch, &area, &area, NULL), 207000);
    CHECK(acldvppVpcBatchCropResizePasteAsync(channel, batch, &count, 1, batch, &area, &area, resize, NULL), 207000);
    CHECK(acldvppVpcBatchCropResizeMakeBorderAsync(channel, batch, &count, 1, batch, &area, &border, resize, NULL),
        207000);
    CHECK(acldvppVpcMakeBorderAsync(channel, picture, picture, border, NULL), 207000);
    CHECK(acldvppVpcMakeBorderAsync(channel, picture, picture, NULL, NULL), 100000);
    CHECK(told("borderConfig is null"), 1);
    CHECK(acldvppDestroyChannelDesc(channel), 0);
    CHECK(acldvppDestroyBatchPicDesc(batch), 0);
    CHECK(acldvppDestroyRoiConfig(area), 0);
    CHECK(acldvppDestroyBorderConfig(border), 0);
    CHECK(acldvppDestroyResizeConfig(resize), 0);
}

static void forked(void)
{
    acldvppPicDesc *picture = acldvppCreatePicDesc();
    int status = 1;
    pid_t child;

    CHECK(acldvppSetPicDescWidth(picture, 640), 0);
    child = fork();
    if (child == 0) {
        failures = 0;
        CHECK(acldvppGetPicDescWidth(picture), 640);
        pictures();
        _exit(failures != 0);
    }
    CHECK(waitpid(child, &status, 0), child);
    CHECK(status, 0);
    CHECK(acldvppDestroyPicDesc(picture), 0);
}

int main(void)
{
    CHECK(aclInit(NULL), 0);
    CHECK(aclrtSetDevice(0), 0);
    memory();
    pictures();
    refused();
    forked();
    return result();
}
